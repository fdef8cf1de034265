"""What learns: agents that act through whole lifetimes, how they are trained, and policies to compare with."""
