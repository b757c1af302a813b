//! What a service is written with: entities, commands, projections, process managers, and the host that runs them.
