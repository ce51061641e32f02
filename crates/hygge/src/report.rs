//! The only place that prints: the live screen, the closing screen, plain lines, JSON lines, the run's log.
