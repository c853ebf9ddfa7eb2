"""The demonstration: a whole terminal on simulated devices, driven through its real screen."""
