"""The registration of one pair: images made ready, the network applied, its displacement refined."""
