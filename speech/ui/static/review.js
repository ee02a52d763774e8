// Where the review element is asked for: its parts lie in review/.
export { SpeechReview } from "./review/element.js";
