"""How many cores this process may use, and what work took of them. Standard library only; whoever needs it imports it.

measure_cores    what scheduler and container give, which may be a fraction
WorkMeter        the seconds that the work for one request took, on whichever threads
"""
