// The options of [analysis].
import { word } from '../../config/index.ts'
import { bool, int, string } from '../../schema/index.ts'

export const analysisOptions = {
  platform: word('rpi', 'linux', 'osx', 'auto')
    .describe(
      'The build of Klipper Estimator: the program is klipper_estimator_PLATFORM in tools/klipper_estimator',
    )
    .default('auto'),
  estimator_config: string()
    .describe(
      'A configuration of Klipper Estimator, below the config root; by default one from the limits of Klipper',
    )
    .optional(),
  auto_dump_default_config: bool()
    .describe(
      'Whether the configuration from the limits of Klipper is written again whenever Klipper becomes ready',
    )
    .default(false),
  estimator_timeout: int({ min: 1 })
    .describe('The longest time that Klipper Estimator may run')
    .unit('s')
    .default(600),
  enable_auto_analysis: bool()
    .describe('Whether Klipper Estimator rewrites the print times in every file that is uploaded')
    .default(false),
  enable_estimator_updates: bool()
    .describe('Without effect: you install and update Klipper Estimator yourself')
    .default(false),
  refuse_unfit_files: bool()
    .describe(
      'Whether a file is refused that Klipper would stop, or that would be spoiled: beyond the range of the axes, hotter than a heater allows, with tools or arcs that the printer lacks',
    )
    .default(false),
}
