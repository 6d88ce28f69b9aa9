//! Journal events.
