"""What a policy is worth, how steady a run was, and what a few seeds say."""
