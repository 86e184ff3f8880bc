"""The commands of the command line: thin layers that read words and files, ask the library, and print."""
