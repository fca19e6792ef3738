"""A Docker Swarm as hitless's engine: what differs from one Docker host is here, and nothing else."""
