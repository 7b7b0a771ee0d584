"""No request reaches a service that its contract does not allow, or that carries an injection."""
