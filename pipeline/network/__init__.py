"""The registration network: backbones, filters, warps and losses."""
