"""Admission by capacity: what requests take on this machine is measured, and those for which there is no time are refused before
any work for them begins. Used from the event loop of the server alone.

CapacityAccount   work that is promised → whether one more request, or one more stream, is let in
RequestBacklog    what is promised and not done → for how long a request would wait
StreamAccount     open streams → the part of the machine that they take
CostsByClient     sizes of requests → what their checks take, by client
bound_for         what each client holds → how far one may go
MachineSpeed      the clocks of process, loop and queue → how much work the machine does in a second
measure_costs     a guard → first estimates, before anybody has asked
"""
