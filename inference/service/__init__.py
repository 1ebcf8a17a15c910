"""The service: recommendations over HTTP, from several processes, through every change of bundle."""
