//! One packet's journey through the six hops, in travel order
