//! One address in front of all services.
