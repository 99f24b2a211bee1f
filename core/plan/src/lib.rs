//! Desired minus observed: the ordered changes that make the kernel right
