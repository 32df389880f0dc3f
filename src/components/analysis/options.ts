// The options of [analysis].
import { bool } from '../../schema/index.ts'

export const analysisOptions = {
  refuse_unfit_files: bool()
    .describe(
      'Whether a file is refused that Klipper would stop, or that would be spoiled: beyond the range of the axes, hotter than a heater allows, with tools or arcs that the printer lacks',
    )
    .default(false),
}
