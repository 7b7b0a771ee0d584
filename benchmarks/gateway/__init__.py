"""What the gateway costs: subjects side by side on one machine, same requests, same upstream, same log."""
