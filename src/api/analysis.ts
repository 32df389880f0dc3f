// API document: "Analysis APIs". Our own: the built-in estimator, server.analysis.progress, notify_file_analyzed,
// notify_print_progress, notify_print_warnings.
import {
  bool,
  choice,
  float,
  type Infer,
  int,
  json,
  list,
  object,
  record,
  string,
  tuple,
} from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

/** Which file is estimated. */
export interface EstimateParams {
  readonly filename: string
  readonly estimator_config?: string | undefined
}

/** Which file is processed. */
export interface ProcessParams extends EstimateParams {
  readonly force: boolean
}

const ProcessResult = object({
  prev_processed: bool(),
  version: string(),
  bypassed: bool().describe('Whether nothing was done, since the file is analysed already'),
})

/** What was done with a file. */
export type ProcessReply = Infer<typeof ProcessResult>

const filename = string().describe('A G-code file, below the gcodes root')
const seconds = float().describe('s')
const millimetres = float().describe('mm')

/** The limits that print times are computed with. */
export const AnalysedMachine = object({
  id: string().describe('Changes with everything that print times and checks depend on'),
  source: choice('klipper', 'default').describe(
    "Klipper's configuration; or usual limits, before Klipper was ever connected",
  ),
  kinematics: string(),
  max_velocity: float().describe('mm/s'),
  max_accel: float().describe('mm/s²'),
})

/** The print time of a file by its parts, in the form of Klipper Estimator. */
export const Estimate = object({
  total_time: seconds,
  total_distance: millimetres,
  total_extrude_distance: millimetres,
  max_flow: float().describe('mm³/s').nullable(),
  max_speed: float().describe('mm/s').nullable(),
  num_moves: int(),
  total_z_time: seconds,
  total_output_time: seconds,
  total_travel_time: seconds,
  total_extrude_only_time: seconds,
  phase_times: object({ acceleration: seconds, cruise: seconds, deceleration: seconds }),
  kind_times: record(float()).describe('Seconds of each feature that the slicer names'),
  layer_times: list(tuple(float(), float())).describe('Height in mm and seconds of each layer'),
})

/** The print that runs, by time. */
export const PrintProgress = object({
  filename: string().describe('null without a print').nullable(),
  state: string().describe("Of Klipper's print_stats"),
  source: choice('analysis', 'slicer', 'file')
    .describe(
      'The planned times of the moves; what the slicer states; the part of the file. null without a print',
    )
    .nullable(),
  progress: float().describe('0 to 1').nullable(),
  time_left: seconds.nullable(),
  total_time: float().describe('s, of the whole print').nullable(),
  slicer_time_left: float()
    .describe('s, as the slicer states it (M73 R); null where it states nothing')
    .nullable(),
})

export const analysis = chapter({
  title: 'Analysis APIs',
  about: 'Print times within the limits of this printer, and the parts of a file that do not fit it',
  methods: {
    'server.analysis.status': get('/server/analysis/status', {
      summary: 'The estimator, and the machine that it computes print times for',
      result: object({
        estimator_executable: string().describe('The name of the program Klipper Estimator'),
        estimator_ready: bool(),
        estimator_version: string().describe('Of Klipper Estimator, or of the built-in estimator'),
        estimator_config_exists: bool(),
        using_default_config: bool(),
        machine: AnalysedMachine,
      }),
    }),
    'server.analysis.estimate': post('/server/analysis/estimate', {
      summary: 'Estimate the print time of a file by its parts; the server stores nothing',
      params: {
        filename,
        estimator_config: string()
          .describe('A configuration of Klipper Estimator, below the config root')
          .optional(),
      },
      example: { filename: 'part.gcode' },
      result: Estimate,
      changes: false,
    }),
    'server.analysis.process': post('/server/analysis/process', {
      summary: 'Analyse a file for this printer and store the result with its metadata',
      params: {
        filename,
        estimator_config: string()
          .describe('A configuration of Klipper Estimator, below the config root')
          .optional(),
        force: bool().describe('Also if the file is analysed already').default(false),
      },
      example: { filename: 'part.gcode' },
      result: ProcessResult,
    }),
    'server.analysis.progress': get('/server/analysis/progress', {
      summary: 'The progress of the print by time, and the time that remains',
      result: PrintProgress,
    }),
    'server.analysis.dump_config': post('/server/analysis/dump_config', {
      summary: "Write a configuration of Klipper Estimator from Klipper's limits",
      params: {
        dest_config: string()
          .describe('Its path below the config root; by default that of the program')
          .optional(),
      },
      result: object({
        dest_root: string().nullable(),
        dest_config_path: string(),
        klipper_estimator_config: record(json()),
      }),
    }),
  },
  notifications: {
    notify_file_analyzed: notification(
      'A G-code file has been analysed; its metadata has the field analysis',
      object({ filename: string(), print_time: seconds, warnings: list(string()) }),
    ),
    notify_print_progress: notification(
      'The time that remains has changed; at most every 5 s while a print runs',
      PrintProgress,
    ),
    notify_print_warnings: notification(
      'A print starts whose file does not fit the printer',
      object({ filename: string(), warnings: list(string()) }),
    ),
  },
})
