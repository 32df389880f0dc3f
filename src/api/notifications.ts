// What the server tells its clients unasked. Each has a fixed list of parameters; some have none at all.
import { float, type Infer, type Schema, string } from '../schema/index.ts'
import { AnnouncementId, AnnouncementList } from './announcements.ts'
import { UserName } from './authorization.ts'
import { AgentEvent } from './extensions.ts'
import { FilelistChange } from './files.ts'
import { HistoryChange } from './history.ts'
import { JobQueueChange } from './job-queue.ts'
import { ProcStatUpdate, ThrottledState } from './machine.ts'
import { Status } from './printer.ts'
import { ServiceStateChange, SudoAlert } from './services.ts'
import { WebcamsChange } from './webcam.ts'

/** A notification: its parameters in order. */
export interface Notification<P extends readonly Schema<unknown>[] = readonly Schema<unknown>[]> {
  readonly summary: string
  readonly params: P
}

function notification<const P extends readonly Schema<unknown>[]>(
  summary: string,
  ...params: P
): Notification<P> {
  return { summary, params }
}

/** API document: "Websocket notifications". The three of Klippy's state carry no `params` key at all. */
export const notifications = {
  notify_gcode_response: notification('Klipper answered something on its console', string()),
  notify_status_update: notification(
    "Subscribed fields that changed, and Klippy's clock in seconds",
    Status,
    float(),
  ),
  notify_klippy_ready: notification('Klippy is ready'),
  notify_klippy_shutdown: notification('Klippy has shut down'),
  notify_klippy_disconnected: notification('The connection to Klippy has ended'),
  notify_filelist_changed: notification('Files or folders of a root changed', FilelistChange),
  notify_history_changed: notification('A job began or ended', HistoryChange),
  notify_job_queue_changed: notification('The job queue or its state changed', JobQueueChange),
  notify_webcams_changed: notification('A webcam was made, changed or deleted', WebcamsChange),
  notify_announcement_update: notification('Announcements came, went or changed', AnnouncementList),
  notify_announcement_dismissed: notification('An announcement was marked as read', AnnouncementId),
  notify_announcement_wake: notification('A dismissed announcement is to be shown again', AnnouncementId),
  notify_user_created: notification('A user was created', UserName),
  notify_user_deleted: notification('A user was deleted', UserName),
  notify_user_logged_out: notification("All of a user's logins have ended", UserName),
  notify_cpu_throttled: notification('The processor began or ceased to be slowed down', ThrottledState),
  notify_agent_event: notification('An agent came, went or tells something', AgentEvent),
  notify_service_state_changed: notification('Services changed their states', ServiceStateChange),
  notify_sudo_alert: notification('Something begins or ceases to wait for the sudo password', SudoAlert),
  notify_proc_stat_update: notification('The load of machine and server, once a second', ProcStatUpdate),
}

/** Every notification's name. */
export type NotificationName = keyof typeof notifications

type Values<P extends readonly Schema<unknown>[]> = { -readonly [K in keyof P]: Infer<P[K]> }

/** The parameters of a notification, in order. */
export type NotificationParams<N extends NotificationName> = Values<(typeof notifications)[N]['params']>
