"""Classifying with a language model: the prompt, the answers, the providers."""
