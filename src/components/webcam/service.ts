// The webcams, for other components.
import { service } from '../../component/service.ts'
import type { Webcams } from './webcams.ts'

/** The webcams of the configuration and of the database. */
export const webcamService = service<Pick<Webcams, 'list' | 'get'>>('webcams')
