"""What a run is: its settings, data, networks and folder, from the command line to the disk."""
