"""How many cores this process may use, whose work is next, what it took, and when garbage is collected. Standard library only;
whoever needs it imports it.

measure_cores     what scheduler and container give, which may be a fraction
Lane              the jobs that wait for threads: callers take turns, and none holds all
WorkMeter         the seconds that the work for one request took, on whichever threads
pause_collection  loads without looking for garbage
"""
