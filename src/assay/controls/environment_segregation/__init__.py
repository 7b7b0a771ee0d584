"""Production and everything else share no host, credential, key, issuer or store, and no production data in test."""
