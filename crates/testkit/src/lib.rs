//! Helpers for tests: scripted git repositories with fixed people and times.
