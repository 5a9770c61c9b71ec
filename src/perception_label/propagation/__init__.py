"""Keyframes to dense tracks: a person labels one instant, the sensor's points carry it on.

Read in this order: `solve` (the method), `standing` (does it stand still?), `follow` (sweep by
sweep from a keyframe), `chase`, `drive` and `taken` (once more, as far as the motion allows),
`smooth` (all measurements at once, by a motion model), `unseen` (no measurements at all),
`expected` (how good each box will be, and where one more keyframe helps most). `shape` is an
object's points.
"""
