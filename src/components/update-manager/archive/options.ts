// The options of the types web, zip and executable.
import { lines, path } from '../../../config/index.ts'
import { string } from '../../../schema/index.ts'
import { packageOptions, serviceOptions, systemPackageOptions } from '../options.ts'

/** What all three types have. */
const common = {
  path: path().describe('The folder of the installation'),
  repo: string().describe('The repository on GitHub, as OWNER/NAME'),
}

const persistentFiles = lines()
  .describe('Files and folders that stay as they are, relative to the path, one on each line')
  .default([])

/** [update_manager NAME] with `type: web` */
export const webOptions = { ...common, persistent_files: persistentFiles }

const { virtualenv, requirements, enable_node_updates } = packageOptions

/** [update_manager NAME] with `type: zip` */
export const zipOptions = {
  ...webOptions,
  ...serviceOptions,
  ...systemPackageOptions,
  virtualenv,
  requirements,
  enable_node_updates,
}

/** [update_manager NAME] with `type: executable` */
export const executableOptions = { ...common, ...serviceOptions, ...systemPackageOptions }
