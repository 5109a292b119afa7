/** What takes down what machines go through. It brings the machines of both sides. */
export { joinSegments, type RawSegment, segmentHead } from './replay/container.js';
export {
  type ClientTrack,
  FlightRecorder,
  type RecordingSink,
  type ServerTrack,
} from './replay/flight-recorder.js';
