"""The security controls. One folder each; a folder's name is the control's id everywhere."""

CONTROL_IDS: tuple[str, ...] = (
    "api_gateway",
    "transport_encryption",
    "authentication",
    "authorisation",
    "network_ranges",
    "rate_limiting",
    "input_validation",
    "encryption_at_rest",
    "data_exposure",
    "data_classification",
    "activity_logging",
    "api_inventory",
    "layered_architecture",
    "least_privilege",
    "security_testing",
    "environment_segregation",
    "governance",
)
"""Every control folder, in the order a request meets them. A test asserts that the list is complete."""
