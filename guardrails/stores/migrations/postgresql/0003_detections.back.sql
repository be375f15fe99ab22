DROP TABLE detections;
