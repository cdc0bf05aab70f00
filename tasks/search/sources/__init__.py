"""The sources that come with the program, one file each; a plug-in's look the same."""
