// The options of the type python.
import { path } from '../../../config/index.ts'
import { string } from '../../../schema/index.ts'
import { serviceOptions } from '../options.ts'

/** [update_manager NAME] of the type python. */
export const pythonOptions = {
  virtualenv: path().describe('The Python environment that the package is installed in'),
  project_name: string()
    .describe(
      'The name of the package, with extras as in NAME[EXTRA]; the name of the section where it is left out',
    )
    .optional(),
  primary_branch: string()
    .describe('The branch of the channel dev; the default one where it is left out')
    .optional(),
  ...serviceOptions,
}
