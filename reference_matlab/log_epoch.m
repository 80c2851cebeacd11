function log_epoch(logfile, epoch, llrecord, errrecord)
% The epoch's figures on the training and the test data (columns 1 and 2 of the records).

log_line(logfile, ['epoch: ' num2str(epoch) ', Log likelihood: ' num2str(llrecord(epoch, 1)) ...
    ', error rate: ' num2str(errrecord(epoch, 1))]);
log_line(logfile, ['TEST Log likelihood: ' num2str(llrecord(epoch, 2)) ', error rate: ' num2str(errrecord(epoch, 2))]);
log_line(logfile, ['Error rate difference (test - train): ' num2str(errrecord(epoch, 2) - errrecord(epoch, 1))]);
log_line(logfile, '');
end
