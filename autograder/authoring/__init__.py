"""From a lesson's source to its notebooks, and what proves its checks: banks, mutants, trials; data and release."""
