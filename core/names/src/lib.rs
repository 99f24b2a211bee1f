//! Zones and answers: which address a name has for which asker
