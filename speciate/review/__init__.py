"""People review what agents propose; see docs/review.md."""
