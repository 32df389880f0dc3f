// The configuration of Klipper Estimator from the machine that Klipper's configuration describes.
import type { Machine } from '../estimator/machine.ts'

/** Klipper Estimator's own names. */
export function estimatorConfiguration({
  limits,
  z,
  extruders,
  arcResolution,
  retraction,
}: Machine): Record<string, unknown> {
  const extruder = extruders.extruder?.limits
  return {
    max_velocity: limits.maxVelocity,
    max_acceleration: limits.maxAccel,
    minimum_cruise_ratio: limits.minimumCruiseRatio,
    square_corner_velocity: limits.squareCornerVelocity,
    instant_corner_velocity: extruder?.cornerVelocity ?? 1,
    ...(arcResolution !== null && { mm_per_arc_segment: arcResolution }),
    ...(retraction !== null && {
      firmware_retraction: {
        retract_length: retraction.length,
        unretract_extra_length: retraction.extra,
        unretract_speed: retraction.backSpeed,
        retract_speed: retraction.speed,
        lift_z: 0,
      },
    }),
    move_checkers: [
      { axis_limiter: { axis: [0, 0, 1], max_velocity: z.velocity, max_accel: z.accel } },
      ...(extruder === undefined
        ? []
        : [
            {
              extruder_limiter: { max_velocity: extruder.maxOnlyVelocity, max_accel: extruder.maxOnlyAccel },
            },
          ]),
    ],
  }
}
