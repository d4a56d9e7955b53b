"""What people do with it: command line, run store, exports, figures."""
