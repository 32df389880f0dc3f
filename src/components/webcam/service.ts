// The webcams, for other components.
import type { Webcam } from '../../api/webcam.ts'
import { service } from '../../component/service.ts'

/** The webcams of the configuration and of the database. */
export interface WebcamService {
  /** Those of the configuration first. */
  list(): readonly Webcam[]
  /** The whole URL of its pictures, as this machine reaches it; '' if it has none. */
  snapshotUrl(webcam: Webcam): Promise<string>
}

/** @see WebcamService */
export const webcamService = service<WebcamService>('webcams')
