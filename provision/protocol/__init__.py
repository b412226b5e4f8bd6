"""Client protocols without sockets, threads or clocks of their own: bytes in, bytes and events out."""
