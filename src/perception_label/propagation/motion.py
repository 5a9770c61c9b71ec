"""How the classes move."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How objects of a class move; spectral densities are those of white acceleration.

    Attributes
    ----------
    is_rigid : bool
        Whether its points keep their places on it: such are aligned, others are centred.
    ahead, sideways : float
        Density of acceleration along the heading and across it, m^2/s^3.
    slip_mps : float
        Spread of the speed across the heading; infinite for who walks any way.
    turn : float
        Density of angular acceleration, rad^2/s^3.
    bend : float
        Spread of the curvature of its way at slow speed, 1/m.
    top_mps : float
        Nothing of the class moves faster in town or on a road.
    """

    is_rigid: bool = True
    ahead: float = 2.0
    sideways: float = 0.2
    slip_mps: float = 0.3
    turn: float = 0.03
    bend: float = 0.12
    top_mps: float = 36.0


VEHICLE = Motion()
CYCLE = Motion(ahead=2.0, sideways=1.0, turn=0.2, bend=0.3, top_mps=14.0)
WALKER = Motion(
    is_rigid=False, ahead=1.0, sideways=1.0, slip_mps=float("inf"), turn=0.3, top_mps=3.0
)

_BY_CLASS = {
    "pedestrian": WALKER,
    "animal": WALKER,
    "cyclist": CYCLE,
    "bicycle": CYCLE,
    "motorcycle": CYCLE,
}


def motion_of(class_name: str) -> Motion:
    """Return the motion of a class; what is not known moves like a vehicle."""
    return _BY_CLASS.get(class_name, VEHICLE)
