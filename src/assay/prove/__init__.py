"""Active validation: what is claimed is attacked on the running system, and every answer becomes a judged verdict."""
