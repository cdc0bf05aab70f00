"""*Notify*: from waiting lines of the ledger to mail that is sent once: windows, letters, outbox, transports."""
