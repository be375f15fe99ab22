"""How many cores this process may use, what work took of them, and when it collects garbage. Standard library only; whoever needs
it imports it.

measure_cores     what scheduler and container give, which may be a fraction
WorkMeter         the seconds that the work for one request took, on whichever threads
pause_collection  loads without looking for garbage
"""
