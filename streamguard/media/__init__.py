"""What pictures and containers are: addresses, planes, orientation, containers, time."""
