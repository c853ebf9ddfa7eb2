"""The one base of all errors that speak to a person."""


class KassaError(Exception):
    """Something a person can mend: the message says what happened, where, and what to do next.

    Under it stands one class for each different reaction of the caller, not for each cause.
    """
