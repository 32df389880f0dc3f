// The analysis of a print file as a file processor: one pass for its times and for what does not fit the machine.
import type { FileProcessor } from '../../core/file-processor.ts'
import { examineFile } from './estimator/examine-file.ts'
import type { PrintTimes } from './estimator/tally.ts'
import { type AnalysisDetails, type AnalysisOptions, type AnalysisSummary, packTable } from './record.ts'

const analyse: FileProcessor = async ({ path, metadata, options, signal }) => {
  const { machine, facts, commands } = options as unknown as AnalysisOptions
  const { times, slicerPoints, setsSpeed, findings } = await examineFile(path, {
    machine,
    knownCommands: commands,
    signal,
  })
  // Checks against usual limits would be guesses.
  const isKnown = facts.source === 'klipper'
  const problems = isKnown ? findings.problems(metadata) : []
  const analysis: AnalysisSummary = {
    print_time: rounded(times.total),
    layer_count: Math.max(0, times.layers.length - 1),
    machine: facts,
    fits: problems.length === 0,
    warnings: [...problems, ...(isKnown ? findings.remarks(metadata) : [])],
  }
  const details: AnalysisDetails = {
    machine_id: facts.id,
    totals: totalsOf(times, machine.extruders.extruder?.limits.area ?? 0),
    features: Object.fromEntries([...times.features].map(([name, seconds]) => [name, rounded(seconds)])),
    layers: times.layers.map(([z, seconds]) => [rounded(z), rounded(seconds)] as const),
    points: packTable(times.points),
    slicer: packTable(slicerPoints),
    sets_speed: setsSpeed,
  }
  return { metadata: { analysis }, details }
}

export default analyse

/** The names are those of Klipper Estimator. `area` is the cross section of the filament in mm². */
function totalsOf(times: PrintTimes, area: number): Record<string, number> {
  const totals = {
    total_time: times.total,
    total_distance: times.distance,
    total_extrude_distance: times.extruded,
    max_flow: times.maxFeed * area,
    max_speed: times.maxSpeed,
    num_moves: times.moves,
    total_z_time: times.zTime,
    total_output_time: times.extrudingTime,
    total_travel_time: times.travelTime,
    total_extrude_only_time: times.filamentTime,
    acceleration: times.accelTime,
    cruise: times.cruiseTime,
    deceleration: times.decelTime,
  }
  return Object.fromEntries(Object.entries(totals).map(([name, value]) => [name, rounded(value)]))
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
