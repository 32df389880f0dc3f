// The reply of server.analysis.estimate from a stored analysis, in the form of Klipper Estimator.
import type { Estimate } from '../../api/analysis.ts'
import type { Infer } from '../../schema/index.ts'
import type { AnalysisDetails } from './record.ts'

/** The numbers of a stored analysis under the names of the reply. */
export function estimateReply({ totals, features, layers }: AnalysisDetails): Infer<typeof Estimate> {
  const total = (name: string) => totals[name] ?? 0
  return {
    total_time: total('total_time'),
    total_distance: total('total_distance'),
    total_extrude_distance: total('total_extrude_distance'),
    max_flow: total('max_flow'),
    max_speed: total('max_speed'),
    num_moves: Math.round(total('num_moves')),
    total_z_time: total('total_z_time'),
    total_output_time: total('total_output_time'),
    total_travel_time: total('total_travel_time'),
    total_extrude_only_time: total('total_extrude_only_time'),
    phase_times: {
      acceleration: total('acceleration'),
      cruise: total('cruise'),
      deceleration: total('deceleration'),
    },
    kind_times: { ...features },
    layer_times: layers.map(([z, seconds]) => [z, seconds]),
  }
}
