"""Catalogues that ship with the package; NOTICE says where each comes from."""
