"""Subscriber files: watched, validated and turned into snapshots."""
